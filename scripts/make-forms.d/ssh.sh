make_ssh() { :; }
