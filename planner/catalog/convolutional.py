"""The shape of a convolutional network, written tersely: blocks of convolutions, like ones once."""

from __future__ import annotations

from planner.documents.types import Flag, Record, Whole, WholeOrZero


class ConvolutionSpec(Record):
    """One convolution of a block; its input is what stands before it, padded so that a stride of 1 keeps the size.

    Parameters
    ----------
    outputs : channels that it makes.
    kernel : edge of its window. stride : between two windows.
    groups : in which channels are kept apart.
    """

    outputs: Whole
    kernel: Whole = 1
    stride: Whole = 1
    groups: Whole = 1


class BlockSpec(Record):
    """Like blocks one after the other; strides count in the first one alone.

    Parameters
    ----------
    count : number of blocks.
    convolutions : of one block, first to last.
    residual : what enters a block is added to what leaves it; where the two have another size it passes a convolution
        of its own.
    pool : edge by which maps are reduced behind the last block.
    """

    count: Whole = 1
    convolutions: tuple[ConvolutionSpec, ...]
    residual: Flag = False
    pool: Whole = 1


class ConvolutionalSpec(Record):
    """A network of convolutions over pictures of one size, and what classifies them.

    Parameters
    ----------
    height, width, channels : of a picture.
    normed : each convolution is followed by a norm and has no bias; else by a bias.
    flattened : edge of the map that the classifier sees as one vector; 0 where its mean is taken.
    classifier : outputs of the products behind the last map.
    """

    height: Whole
    width: Whole
    channels: Whole = 3
    normed: Flag = True
    blocks: tuple[BlockSpec, ...]
    flattened: WholeOrZero = 0
    classifier: tuple[Whole, ...]
