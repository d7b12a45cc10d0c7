make_gnutls() { :; }
