"""A media file becomes numbers: ten frames through an image network, the sound track through MFCC.

Only small processes (`extraction.decoding.sandbox`) ever open a media file; the process that holds the network sees pixels and
samples.
"""
