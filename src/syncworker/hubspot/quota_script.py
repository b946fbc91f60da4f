"""How does Redis decide, for all processes at once, whether a call may be made now?

One script, so that no two processes ever take the same call; and one for who is there, to share when Redis is not.
Redis' clock is everybody's.
"""

SCRIPT = """
-- Keys:
--   KEYS[1] hubspot:bucket:{hub id}:{bucket}  hash: tokens, at (s, Redis time); limit, window (s), left, left_at
--           as HubSpot told them, last at told_at; expires unused
--   KEYS[2] hubspot:processes                 sorted set: processes by the Redis time when they were last there
--   KEYS[3] hubspot:daily:{hub id}            hash: day (in the account's time zone), spent; limit, left, left_at
--           as HubSpot told them; offset (s) of the time zone; expires unused
-- Argument: JSON object
--   action       'take', 'probe' (take nothing), 'look' (as probe, by one who calls nobody) or 'pause' (for `pause`
--                seconds nobody calls)
--   lane         'interactive' or 'bulk'
--   limit, window, least_burst, burst_share, jitter   see quota.Spread; limit and window where nobody told
--   told         what HubSpot last told, handed in once: limit, window, left, daily_limit, daily_left, age (s)
--   share        of all limits that is ours; reserve: of our day that bulk work leaves
--   daily_limit  where HubSpot tells none; offset (s) of the account's time zone; look_again (s)
--   process, process_life (s);  now: instead of Redis' clock
-- Returns: seconds to wait (0: taken) as text, number of live processes, 1 if the day's quota is what is waited for
local ask = cjson.decode(ARGV[1])
local told = ask.told or {}
local clock = redis.call('TIME')
local now = ask.now or (tonumber(clock[1]) + tonumber(clock[2]) / 1000000)

local state = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'limit', 'window', 'told_at')
local told_at = tonumber(state[5])
if told.age and told_at and now - told.age < told_at and told_at <= now then
  -- A process hands in what it heard with its next call, maybe hours later: another one has heard newer things since.
  told = {}
end
local limit = told.limit or tonumber(state[3]) or ask.limit
local window = told.window or tonumber(state[4]) or ask.window
local ours = math.max(2, math.floor(limit * ask.share))
local burst = math.min(math.max(ask.least_burst, ours * ask.burst_share), ours * 0.65)
local rate = (ours - burst) / (window + ask.jitter)
-- A bucket that is not known is empty: what was used in the window before is not known either.
local tokens = tonumber(state[1]) or 0
local at = tonumber(state[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
if told.left and told.left < 1 and told.age < 1 then
  -- Somebody else calls with our app: the next call of anybody would be refused.
  tokens = math.min(tokens, 0 - rate / 2)
end

local day = math.floor((now + ask.offset) / 86400)
local daily = redis.call('HMGET', KEYS[3], 'day', 'spent', 'limit', 'left', 'left_at')
local today = tonumber(daily[1]) == day
local spent = today and tonumber(daily[2]) or 0
local left, left_at = today and tonumber(daily[4]) or nil, tonumber(daily[5])
local daily_limit = told.daily_limit or tonumber(daily[3]) or ask.daily_limit
if told.daily_left and math.floor((now - told.age + ask.offset) / 86400) == day then
  left, left_at = told.daily_left, now - told.age
end
local parked = 0
if ask.lane == 'bulk' and daily_limit then
  local share = daily_limit * ask.share
  local midnight = (day + 1) * 86400 - ask.offset - now
  if share - spent <= share * ask.reserve then
    parked = midnight
  elseif left and left <= share * ask.reserve then
    -- What HubSpot told ages: its day may end at another moment than ours, or more was bought. One call tells.
    parked = math.min(midnight, left_at + ask.look_again - now)
  end
end

local needs = 1
if ask.lane == 'bulk' then needs = (1 + burst) / 2 end
local wait, by_day = 0, 0
if ask.action == 'pause' then
  tokens = math.min(tokens, 0 - ask.pause * rate)
elseif parked > 0 then
  wait, by_day = parked, 1
elseif tokens + 0.000001 < needs then
  wait = (needs - tokens) / rate
elseif ask.action == 'take' then
  tokens = tokens - 1
  spent = spent + 1
  if left then left = left - 1 end
end
-- Never so short that it would be written as 0, which means taken.
if wait > 0 then wait = math.max(0.001, wait) end

redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
if told.limit then
  redis.call('HSET', KEYS[1], 'limit', told.limit, 'window', window)
end
if told.left then
  redis.call('HSET', KEYS[1], 'left', told.left, 'left_at', string.format('%.6f', now - told.age))
end
if told.age then redis.call('HSET', KEYS[1], 'told_at', string.format('%.6f', now - told.age)) end
redis.call('EXPIRE', KEYS[1], 3600)
redis.call('HSET', KEYS[3], 'day', day, 'spent', spent, 'offset', ask.offset)
if told.daily_limit then redis.call('HSET', KEYS[3], 'limit', told.daily_limit) end
if left then
  redis.call('HSET', KEYS[3], 'left', string.format('%d', math.max(0, left)), 'left_at', string.format('%.6f', left_at))
else
  redis.call('HDEL', KEYS[3], 'left', 'left_at')
end
redis.call('EXPIRE', KEYS[3], 172800)
if ask.action ~= 'look' then redis.call('ZADD', KEYS[2], now, ask.process) end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ask.process_life)
redis.call('EXPIRE', KEYS[2], ask.process_life)
return {string.format('%.6f', wait), redis.call('ZCARD', KEYS[2]), by_day}
"""

ALIVE = """
-- Keys: KEYS[1] hubspot:processes, as above
-- Arguments: the process, process_life (s), seconds instead of Redis' clock or nothing
-- Returns: number of live processes
local clock = redis.call('TIME')
local now = tonumber(ARGV[3]) or (tonumber(clock[1]) + tonumber(clock[2]) / 1000000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('EXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
"""
