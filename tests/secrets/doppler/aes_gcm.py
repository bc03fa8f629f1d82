"""AES-GCM in pure Python, after FIPS 197 and NIST SP 800-38D: slow, and independent of any library."""


def multiply(a: int, b: int) -> int:
    """Multiplication in the field of 256 elements that AES uses."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def substitution() -> list[int]:
    """The S-box: inverses, then an affine transformation."""
    inverse = [0] * 256
    for a in range(1, 256):
        inverse[a] = next(b for b in range(1, 256) if multiply(a, b) == 1)

    def rotated(value: int, by: int) -> int:
        return (value << by | value >> (8 - by)) & 0xFF

    return [b ^ rotated(b, 1) ^ rotated(b, 2) ^ rotated(b, 3) ^ rotated(b, 4) ^ 0x63 for b in inverse]


BOX = substitution()


def round_keys(key: bytes) -> list[list[int]]:
    """A word for each column of each round."""
    count = len(key) // 4
    words = [[*key[4 * number : 4 * number + 4]] for number in range(count)]
    constant = 1
    for number in range(count, 4 * (count + 7)):
        word = [*words[-1]]
        if number % count == 0:
            word = [BOX[byte] for byte in (*word[1:], word[0])]
            word[0] ^= constant
            constant = multiply(constant, 2)
        elif count > 6 and number % count == 4:
            word = [BOX[byte] for byte in word]
        words.append([one ^ other for one, other in zip(word, words[number - count], strict=True)])
    return [[byte for word in words[place : place + 4] for byte in word] for place in range(0, len(words), 4)]


def encrypt_block(keys: list[list[int]], block: bytes) -> bytes:
    """One block of 16 bytes, column by column."""
    state = [byte ^ key for byte, key in zip(block, keys[0], strict=True)]
    for number, key in enumerate(keys[1:], start=1):
        state = [BOX[state[(place + 4 * (place % 4)) % 16]] for place in range(16)]
        if number < len(keys) - 1:
            state = mixed(state)
        state = [byte ^ other for byte, other in zip(state, key, strict=True)]
    return bytes(state)


def mixed(state: list[int]) -> list[int]:
    result = []
    for column in range(0, 16, 4):
        a = state[column : column + 4]
        for row in range(4):
            b = a[row:] + a[:row]
            result.append(multiply(b[0], 2) ^ multiply(b[1], 3) ^ b[2] ^ b[3])
    return result


def ghash(subkey: int, data: bytes) -> int:
    """GHASH: the polynomial over all blocks, in the field of 2**128 elements with reversed bits."""
    total = 0
    for place in range(0, len(data), 16):
        total ^= int.from_bytes(data[place : place + 16].ljust(16, b"\0"), "big")
        product, factor = 0, subkey
        for bit in range(127, -1, -1):
            if total >> bit & 1:
                product ^= factor
            factor = factor >> 1 ^ (0xE1 << 120 if factor & 1 else 0)
        total = product
    return total


def decrypt(key: bytes, iv: bytes, sealed: bytes) -> bytes:
    """The plain text. Raises ValueError if the tag at the end is wrong."""
    keys, data, tag = round_keys(key), sealed[:-16], sealed[-16:]
    subkey = int.from_bytes(encrypt_block(keys, bytes(16)), "big")
    padded = data + bytes(-len(data) % 16) + (0).to_bytes(8, "big") + (8 * len(data)).to_bytes(8, "big")
    first = int.from_bytes(encrypt_block(keys, iv + b"\0\0\0\1"), "big")
    if (ghash(subkey, padded) ^ first).to_bytes(16, "big") != tag:
        raise ValueError("the tag does not fit")
    plain = b""
    for number in range(-(-len(data) // 16)):
        stream = encrypt_block(keys, iv + (number + 2).to_bytes(4, "big"))
        plain += bytes(a ^ b for a, b in zip(data[16 * number : 16 * number + 16], stream, strict=False))
    return plain
