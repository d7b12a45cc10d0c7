make_python() { :; }
