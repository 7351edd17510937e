"""What a run directory tells about people: searched byte by byte."""

import pandas as pd


def test_a_run_directory_holds_no_username_and_no_caption(small_run, small_data):
    videos = pd.read_csv(small_data / "videos.csv", dtype=str)
    content = b"\n".join(path.read_bytes() for path in sorted(small_run.rglob("*")) if path.is_file())
    assert b"visual" in content  # the search does look into the files
    names = set(videos["username"])
    assert len(names) > 10
    assert not [name for name in names if name.encode() in content]
    captions = {caption for caption in videos["video_description"].dropna() if len(caption.split()) > 1}
    assert len(captions) > 100
    assert not [caption for caption in captions if caption.encode() in content]
    assert not [one for one in videos["id"] if one.encode() in content]
    titles = set(videos["music_title"])
    assert not [title for title in titles if title.encode() in content]


def test_what_remains_of_captions_are_pieces_of_words_seen_five_times(small_run, small_data):
    from forecast.run.directory import RunDirectory
    from forecast.saved import load_features

    featurizer, _ = load_features(RunDirectory(small_run))
    text = " ".join(pd.read_csv(small_data / "videos.csv", dtype=str)["video_description"].dropna()).lower()
    pieces = [piece for piece in featurizer.text.tokenizer.get_vocab() if not piece.startswith("[")]
    assert pieces
    assert all(" " not in piece for piece in pieces)
    assert all(text.count(piece) >= 5 for piece in pieces if len(piece) > 1)
