make_putty() { :; }
