import re

COMMA_GAP_SECONDS = 0.35
"""A silence between two words that is longer than this is shown as a comma."""

_ASKS_AT_END = re.compile(r"(?:吗|呢|(?<![什怎那这多])么)$")
_ASKS = re.compile(
    r"(?<!没)(?<!没有)(?<!不知道)(?<!不管)(?<!无论)"
    r"(?:什么|怎么|为什么|哪里|哪儿|哪个|多少|几点|谁|何时|能不能|可不可以|是不是|有没有|(?<!免)贵姓|请问)(?!都|也)"
)


def sentence_end(text: str) -> str:
    """Choose the sign that closes an utterance: ？ where question words ask, else 。."""
    return "？" if _ASKS_AT_END.search(text) or _ASKS.search(text) else "。"
