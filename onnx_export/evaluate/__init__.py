"""A published system's own evaluation, run on an exported pack: its figures beside the paper's.

Convention: every figure is made twice. The *official* one follows the authors' evaluation code step by step, with
what is odd in it named where it is done, so that it can stand beside the paper's table. The *strict* one matches
events one to one and does not flatter. Nothing here needs torch; librosa and scikit-learn come with the extra
``evaluate`` and are imported where they are used.
"""
