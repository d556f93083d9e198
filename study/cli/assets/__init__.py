"""A picture to show conditions on: Eileen Collins, NASA's photograph S93-33103 (1993), in the public domain, from
skimage.data's copy `astronaut`, scaled to 256 × 256."""
