make_text() { :; }
