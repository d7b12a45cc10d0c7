# Tcllib's pki in Tcl's own integers: a key from PEM signs.
package require pki

if {[lindex $argv 0] eq "version"} {
    puts "[package present pki], Tcl [info patchlevel]"
    exit
}
proc load_key {} {
    set file [open trad.pem]
    set text [read $file]
    close $file
    return [::pki::pkcs::parse_key $text]
}
set key [load_key]
for {set round 0} {$round < 5} {incr round} {
    ::pki::sign "text $round" $key sha256
}
close [open ready w]
vwait forever
