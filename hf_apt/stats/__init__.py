"""Numbers read off counts, features and logits: NumPy, SciPy and scikit-learn, no torch.

The suffix of a name tells the shape of an array, a letter for an axis. Each letter has one meaning
in the whole package; a file may only add letters of its own, and says so at its top.

- B: sequences, or texts, of a batch
- T: positions of a sequence
- N: asked positions, at which a token is asked for; pairs of reference and answer
- D: depths; 0 = embeddings, m = after block m
- H: hidden width
- E: width of what the decoder is given
- V: ids of the vocabulary
- K: a few picked from V or N: tokens of a chunk, a picture or a cluster, positions of a chunk
- C: classes of a task
- I: inputs, the texts of a task
- P: positions of all inputs, one input after the other
- Q: positions in question, a part of P
- S: sequences of a whole measurement
- M: members of a committee
- R: repetitions: seeds, draws, subsets
- X: values of any kind, in plain statistics
- W: any other width
"""
