"""A starter pack measured as its users meet it: through the command line, on real clips, real sounds and dull video.

Convention: a part (when, quiet, what, embed, speed, sheet) gives figures, each with its spread and, where one was
wanted, whether it was reached; a figure that could not be told is NaN and never reached. Everything random comes from
one seed. Only the parts *material* (its judge is a checkpoint) and *embed* (which hears the one-shots as training does)
need torch.
"""
