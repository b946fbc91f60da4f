"""Dramatiq actors: when things run. `dramatiq actors` starts them, `periodiq actors` schedules.

Each actor calls one function of `syncworker.sync`. No message carries work: a lost one costs seconds, not data.
"""

from actors.broker import make
from syncworker import logs

logs.configure()
broker = make()

from actors import bulk, interactive, pulse, schedule  # noqa: E402, F401 - they need the broker

broker.add_middleware(pulse.Pulse())
