"""What published models reach: measured rows that ship as data, and how they are read."""
