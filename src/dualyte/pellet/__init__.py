"""From powder to pellet: densification, microstructure, conductivity and work of pressing."""
