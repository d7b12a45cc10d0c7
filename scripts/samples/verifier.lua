-- Answers each JWT on standard input with whether the public key verifies it.
local pkey = require "openssl.pkey"
local digest = require "openssl.digest"

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

local function base64url(text)
    local out, word, bits = {}, 0, 0
    for digit in text:gmatch(".") do
        word = (word << 6 | alphabet:find(digit, 1, true) - 1) & 0xffff
        bits = bits + 6
        if bits >= 8 then
            bits = bits - 8
            out[#out + 1] = string.char(word >> bits & 0xff)
        end
    end
    return table.concat(out)
end

local file = assert(io.open("signing-key.pub", "r"))
local pem = file:read("a")
file:close()
local key = pkey.new(pem, "PEM", "public")

io.stdout:setvbuf("line")
for token in io.lines() do
    local body, signature = token:match "^([%w_-]+%.[%w_-]+)%.([%w_-]+)$"
    local hash = digest.new("sha256")
    hash:update(body or "")
    print(body and key:verify(base64url(signature), hash) and "valid" or "invalid", token:sub(1, 24))
end
