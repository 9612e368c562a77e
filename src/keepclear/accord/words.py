"""Words: 256 plain English words that stand for a byte, to be said and compared over a bad telephone line.

The law: the list never changes (a word is part of what officers sign); no word is another's beginning, no two are
one letter apart, none is a term of this field or sounds like a number.
"""

from typing import Final

WORDS: Final = tuple(  # one string, as a list of 256 literals is harder to read
    """
    acorn actor album amber ankle apple apron arrow atlas autumn bacon badge bagel bamboo banjo barrel basil basket
    beaver bench berry bishop blanket blossom bonnet bottle bracket branch bread bridge bronze broom bucket buffalo
    butter button cabin cactus camel canary candle canoe canvas carbon carpet carrot cattle cedar cello cereal
    chalk cherry chess chimney cinema circus citrus clarinet clover cobalt coconut coffee comet copper coral cotton
    cousin coyote cradle crayon cricket crystal cupboard curtain cushion daisy denim diary dinner dolphin dragon
    drawer drum duck dune easel ebony eclipse elbow elephant emerald envelope fabric farmer feather fiber fiddle
    flannel flute forest fossil fountain freckle frog galaxy garlic garnet gazelle ginger giraffe glacier glove
    goblet goose gorilla granite grape gravel guitar hammer hammock harbor harvest hazel hedgehog helmet hermit
    honey iceberg igloo indigo insect island ivory jacket jasmine jelly jigsaw jungle juniper kangaroo kayak kettle
    kitchen kiwi koala ladder lagoon lantern lemon leopard library lilac linen lizard lobster lotus lumber magnet
    mango maple marble meadow melon menu mirror mitten monkey mosaic muffin museum nectar needle nickel noodle
    nutmeg oasis octopus olive onion orange orchid organ ostrich otter oyster pajama palace panda papaya peanut
    pebble pelican pencil pepper piano pillow planet plaza plum pocket pretzel pudding pumpkin puppet quartz quilt
    rabbit raccoon radish raisin raven ribbon ruby saddle salmon sandal sapphire sardine saxophone scarf sculptor
    seagull shampoo shovel silver skate spinach sponge squirrel statue sugar sunflower tailor teapot thimble
    thistle tomato topaz trumpet tulip turnip turtle umbrella vanilla velvet vinegar violet waffle wallet walnut
    walrus wombat yogurt zebra zipper
    """.split()  # noqa: SIM905
)
