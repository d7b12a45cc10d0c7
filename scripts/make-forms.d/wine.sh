make_wine() { :; }
