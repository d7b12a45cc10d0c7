#!/usr/bin/env escript
%% Erlang's public_key and crypto: a key from PEM signs.
main(["version" | _]) ->
    io:format("OTP ~s~n", [erlang:system_info(otp_release)]);
main([_Kind]) ->
    {ok, Text} = file:read_file("key.pem"),
    [Entry] = public_key:pem_decode(Text),
    Key = public_key:pem_entry_decode(Entry),
    [public_key:sign(<<Round>>, sha256, Key) || Round <- lists:seq(1, 5)],
    ok = file:write_file("ready", <<>>),
    timer:sleep(1000000000),
    io:format("~p~n", [tuple_size(Key)]).
