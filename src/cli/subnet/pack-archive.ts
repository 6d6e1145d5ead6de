import { gzipSync } from 'node:zlib';

/** A tar file is made of blocks. */
const BLOCK_BYTES = 512;

/** Two blocks of zeros end an archive. */
const END = Buffer.alloc(2 * BLOCK_BYTES);

/**
 * A submission's archive (POSIX ustar, gzip) of these files, whose names have at most 100 characters; the same files
 * give the same bytes.
 */
export function packArchive(files: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(files)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, text]) => entry(name, Buffer.from(text, 'utf8')));
  return gzipSync(Buffer.concat([...entries, END]), { level: 9 });
}

function entry(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(name, 0, 100);
  for (const [text, at] of [
    ['0000644\0', 100], // mode
    ['0000000\0', 108], // user
    ['0000000\0', 116], // group
    [`${content.length.toString(8).padStart(11, '0')}\0`, 124],
    ['00000000000\0', 136], // time
    ['        ', 148], // the checksum counts as spaces
    ['0', 156], // a regular file
    ['ustar\0' + '00', 257],
  ] as const)
    header.write(text, at, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  const padding = Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES);
  return Buffer.concat([header, content, padding]);
}
