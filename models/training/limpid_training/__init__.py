"""Training of limpid's denoising networks on procedural images and simulated scanners."""
