"""Reports: figures on what a project holds. Pure: material goes in, frozen figures come out."""
