make_node() { :; }
