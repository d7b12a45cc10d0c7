-- Answers each subject on standard input with a JWT signed by RS256.
local pkey = require "openssl.pkey"
local digest = require "openssl.digest"

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

local function base64url(bytes)
    local out = {}
    for i = 1, #bytes, 3 do
        local a, b, c = bytes:byte(i, i + 2)
        local word = a << 16 | (b or 0) << 8 | (c or 0)
        for digit = 0, c and 3 or b and 2 or 1 do
            local index = (word >> (18 - 6 * digit) & 63) + 1
            out[#out + 1] = alphabet:sub(index, index)
        end
    end
    return table.concat(out)
end

local file = assert(io.open("signing-key.der", "rb"))
local der = file:read("a")
file:close()
local key = pkey.new(der, "DER", "private")
local header = base64url('{"alg":"RS256","typ":"JWT"}')

io.stdout:setvbuf("line")
for subject in io.lines() do
    local body = header .. "." .. base64url('{"sub":"' .. subject .. '","iss":"auth.demo.test"}')
    local hash = digest.new("sha256")
    hash:update(body)
    print(body .. "." .. base64url(key:sign(hash)))
end
