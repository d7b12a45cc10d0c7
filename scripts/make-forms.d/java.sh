make_java() { :; }
