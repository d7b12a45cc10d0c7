make_gpg() { :; }
