"""Figures: each is data first, a frozen `…Info` made from results by a pure function, then drawn from that alone."""
