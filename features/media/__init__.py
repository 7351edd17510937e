"""A media file becomes numbers: ten frames through an image network, the sound track through MFCC.

Only the small processes of `features.media.sandbox` ever open a media file; the process that holds the network sees pixels and samples.
"""
