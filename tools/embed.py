#!/usr/bin/env python3
"""Makes a C source that holds files, compressed by gzip, as the array `assets` of api/asset.h.

embed.py OUT.c NAME=FILE...: NAME is the path under which a file is asked for. The compressed files stand beside OUT.c,
where the assembler takes them in. Equal files give equal bytes: no time and no name are in them.
"""
import gzip
import hashlib
import sys
from pathlib import Path

TYPES = {
    '.html': 'text/html; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.json': 'application/json',
    '.png': 'image/png',
}

HEAD = '''/* Made by tools/embed.py. */
#include "api/asset.h"

'''

ASSEMBLY = '''__asm__(".section .rodata\\n.balign 16\\nasset_%d:\\n.incbin \\"%s\\"\\nasset_%d_end:\\n.byte 0\\n.previous\\n");
extern const uint8_t asset_%d[], asset_%d_end[];
'''


def main():
    out, pairs = Path(sys.argv[1]), [pair.split('=', 1) for pair in sys.argv[2:]]
    rows, text = [], HEAD
    for i, (name, file) in enumerate(pairs):
        data = Path(file).read_bytes()
        packed = out.parent / f'asset_{i}.gz'
        packed.write_bytes(gzip.compress(data, 9, mtime=0))
        tag = hashlib.sha256(data).hexdigest()[:16]
        text += ASSEMBLY % (i, packed.resolve(), i, i, i)
        rows.append(f'\t{{"{name}", "{TYPES[Path(name).suffix]}", "\\"{tag}\\"", asset_{i}, asset_{i}_end, {len(data)}}},\n')
    text += f'\nconst struct asset assets[] = {{\n{"".join(rows)}}};\nconst size_t asset_count = {len(rows)};\n'
    out.write_text(text)


if __name__ == '__main__':
    main()
