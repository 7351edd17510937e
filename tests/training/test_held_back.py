import numpy as np

from training.held_back import some_of_each


def test_some_of_each_author():
    author = np.array([5, 5, 5, 7, 9, 9, -1, -1])
    assert some_of_each(author, 2, 100).tolist() == [0, 1, 4, 5]
    assert some_of_each(author, 8, 3).tolist() == [0, 1, 2]
    assert some_of_each(author, 8, 100).tolist() == [0, 1, 2, 4, 5]
