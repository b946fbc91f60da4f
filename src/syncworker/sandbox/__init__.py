"""What answers like HubSpot on this machine? For the first run, the tests, the benchmarks; imports nothing of the
worker.
"""
