make_mono() { :; }
