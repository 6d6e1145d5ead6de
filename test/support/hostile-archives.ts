import { randomFillSync } from 'node:crypto';
import { constants, deflateSync, gzipSync } from 'node:zlib';
import type { ArchiveFaultCode } from '#src/evaluation/archive-fault.ts';
import { MAX_ENTRIES, MAX_MANIFEST_BYTES } from '#src/evaluation/archive-listing.ts';
import { MAX_ARCHIVE_BYTES } from '#src/evaluation/roster.ts';
import {
  archiveOf,
  BLOCK,
  MANIFEST_YAML,
  manifestPart,
  paxPart,
  paxRecords,
  TAR_END,
  tarFile,
  tarPart,
} from './tar-files.ts';

export type HostileArchive = Readonly<{
  name: string;
  code: ArchiveFaultCode;
  bytes: () => Uint8Array;
}>;

const MIB = 1_024 * 1_024;
const of =
  (code: ArchiveFaultCode) =>
  (name: string, bytes: () => Uint8Array): HostileArchive => ({ name, code, bytes });

const noise = (length: number): Uint8Array => randomFillSync(new Uint8Array(length));
const honest = (): Uint8Array => archiveOf({ path: 'app.py', content: 'print(1)' });

/** One gzip member of many pieces, without holding them all at once. */
function zeros(mebibytes: number, head: Uint8Array): Uint8Array {
  return gzipSync(Buffer.concat([head, Buffer.alloc(mebibytes * MIB)]), { level: 1 });
}

const bombs: readonly HostileArchive[] = [
  of('ratio')('a bomb of zeros in one file', () =>
    zeros(
      24,
      Buffer.concat([manifestPart, tarPart({ path: 'zeros', size: 24 * MIB }).subarray(0, BLOCK)]),
    ),
  ),
  of('ratio')('a bomb in the padding of the manifest', () => gzipSync(new Uint8Array(8 * MIB))),
  of('ratio')('a bomb of many files with the same zeros', () =>
    archiveOf(
      ...Array.from({ length: 24 }, (_, n) => ({
        path: `f${n}`,
        content: new Uint8Array(MIB / 2),
      })),
    ),
  ),
  of('ratio')('an archive of an archive of zeros, whose outer layer is the bomb', () =>
    archiveOf({
      path: 'inner.tar',
      content: tarFile({ path: 'z', content: new Uint8Array(8 * MIB) }),
    }),
  ),
  of('unpacked-too-large')('a size that says more than is unpacked, before any of it comes', () =>
    archiveOf(tarPart({ path: 'big', size: 256 * MIB + 1 })),
  ),
  of('unpacked-too-large')('the largest size that octal digits can say', () =>
    archiveOf(tarPart({ path: 'big', size: '77777777777\0' })),
  ),
  of('unpacked-too-large')('many sizes that are too much only together', () =>
    archiveOf(
      ...Array.from({ length: 3 }, (_, n) => tarPart({ path: `e${n}`, size: 0 })),
      tarPart({ path: 'a', content: noise(MIB) }),
      tarPart({ path: 'b', size: 256 * MIB }),
    ),
  ),
  of('archive-too-large')('more bytes than a runtime can be handed', () => {
    return Buffer.concat([honest(), new Uint8Array(MAX_ARCHIVE_BYTES)]);
  }),
  of('too-many-entries')('more files than are listed', () =>
    archiveOf(...Array.from({ length: MAX_ENTRIES }, (_, n) => ({ path: `f${n}` }))),
  ),
  of('too-many-entries')('few files below more folders than are listed', () =>
    archiveOf(...Array.from({ length: 200 }, (_, n) => ({ path: `${n}/${'d/'.repeat(40)}f` }))),
  ),
  of('too-many-entries')('the root again and again', () =>
    archiveOf(
      { path: 'noise', content: noise(MIB / 8) },
      ...Array.from({ length: MAX_ENTRIES }, () => ({ path: './', type: '5' })),
    ),
  ),
];

const compression: readonly HostileArchive[] = [
  of('not-gzip')('nothing at all', () => new Uint8Array()),
  of('not-gzip')('a tar archive that is not compressed', () => tarFile()),
  of('not-gzip')('a zip file', () => Buffer.from('PK\u0003\u0004 and so on')),
  of('not-gzip')('zlib in the place of gzip', () => deflateSync(tarFile())),
  of('not-gzip')('a gzip header with reserved flags', () => {
    const bytes = Buffer.from(honest());
    bytes[3] = 0x80;
    return bytes;
  }),
  of('gzip-truncated')('a gzip header that announces a name without an end', () => {
    const bytes = Buffer.from(honest().subarray(0, 10));
    bytes[3] = 8;
    return Buffer.concat([bytes, Buffer.from('name')]);
  }),
  of('gzip-truncated')('a gzip header that announces more than there is', () => {
    const bytes = Buffer.from(honest());
    bytes[3] = 4;
    bytes.writeUInt16LE(65_535, 10);
    return bytes;
  }),
  of('gzip-truncated')('compressed data cut in the middle', () => {
    const bytes = archiveOf({ path: 'noise', content: noise(10_000) });
    return bytes.subarray(0, bytes.length / 2);
  }),
  of('gzip-truncated')('compressed data that was never ended', () =>
    gzipSync(tarFile(), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -8),
  ),
  of('gzip-truncated')('a checksum of four bytes', () => honest().subarray(0, -4)),
  of('gzip-damaged')('another checksum', () => changed(honest(), -8)),
  of('gzip-damaged')('another length', () => changed(honest(), -1)),
  of('gzip-damaged')('a block of a type that there is none of', () => changed(honest(), 10, 0x07)),
  of('gzip-trailing')('two gzip members, of which the second has the rest', () => {
    const whole = tarFile({ path: 'app.py', content: 'print(1)' });
    return Buffer.concat([gzipSync(tarFile()), gzipSync(whole)]);
  }),
  of('gzip-trailing')('a second member that is empty', () =>
    Buffer.concat([honest(), gzipSync('')]),
  ),
  of('gzip-trailing')('something after the end of the member', () =>
    Buffer.concat([honest(), Buffer.from('x')]),
  ),
];

function changed(bytes: Uint8Array, at: number, value?: number): Uint8Array {
  const copy = Buffer.from(bytes);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = value ?? (copy[index] ?? 0) ^ 0xff;
  return copy;
}

const raw = (...parts: readonly Uint8Array[]): Uint8Array => gzipSync(Buffer.concat(parts));

const headers: readonly HostileArchive[] = [
  of('tar-truncated')('no end of the archive', () => raw(manifestPart)),
  of('tar-truncated')('one block of zeros in the place of two', () =>
    raw(manifestPart, new Uint8Array(BLOCK)),
  ),
  of('tar-truncated')('a header cut short', () => raw(manifestPart, tarPart({}).subarray(0, 300))),
  of('tar-truncated')('a file with less content than its header says', () =>
    raw(manifestPart, tarPart({ size: 4_096, content: 'short' })),
  ),
  of('tar-truncated')('compressed nothing', () => gzipSync('')),
  of('header-checksum')('compressed text', () => gzipSync('hello '.repeat(200))),
  of('header-checksum')('a checksum of another header', () =>
    archiveOf(tarPart({ checksum: '0000000\0' })),
  ),
  of('header-checksum')('a checksum that is no figure', () =>
    archiveOf(tarPart({ checksum: 'deadbeef' })),
  ),
  of('header-malformed')('a header of before POSIX, without a magic', () =>
    archiveOf({ path: 'old', magic: '\0\0\0\0\0\0\0\0' }),
  ),
  of('header-malformed')('a negative size', () => archiveOf({ path: 'n', size: '-0000000001\0' })),
  of('header-malformed')('a size in base 256', () => {
    const size = Buffer.alloc(12);
    size[0] = 0x80;
    size[11] = 1;
    return archiveOf({ path: 'b', size });
  }),
  of('header-malformed')('a negative size in base 256', () =>
    archiveOf({ path: 'b', size: Buffer.alloc(12, 0xff) }),
  ),
  of('header-malformed')('a size that is empty', () => archiveOf({ path: 'b', size: '\0' })),
  of('header-malformed')('a size with decimal digits', () =>
    archiveOf({ path: 'b', size: '00000000009\0' }),
  ),
  of('header-malformed')('a size with something after its end', () =>
    archiveOf({ path: 'b', size: '0000001\x007777' }),
  ),
  of('header-malformed')('a folder that has content', () =>
    archiveOf({ path: 'd/', type: '5', content: 'hidden' }),
  ),
  of('header-malformed')('a GNU header with a prefix that only some read', () =>
    archiveOf({ path: 'a', prefix: '..', magic: 'ustar  \0' }),
  ),
  of('after-end')('entries after the end of the archive', () =>
    archiveOf(TAR_END, { path: 'hidden', content: 'x' }),
  ),
  of('after-end')('an entry after one block of zeros', () =>
    archiveOf(new Uint8Array(BLOCK), { path: 'hidden', content: 'x' }),
  ),
  of('after-end')('something else than zeros in the padding', () =>
    archiveOf(TAR_END, Buffer.from('x')),
  ),
  of('after-end')('padding without end', () =>
    gzipSync(
      Buffer.concat([manifestPart, tarPart({ content: noise(90_000) }), new Uint8Array(4 * MIB)]),
    ),
  ),
];

const types: readonly HostileArchive[] = [
  of('link')('a symbolic link out of the archive', () =>
    archiveOf({ path: 'l', type: '2', link: '../../etc/passwd' }),
  ),
  of('link')('a symbolic link within it', () =>
    archiveOf({ path: 'l', type: '2', link: 'app.py' }),
  ),
  of('link')('a hard link', () => archiveOf({ path: 'l', type: '1', link: 'submission.yaml' })),
  of('link')('a long link name of GNU', () =>
    archiveOf({ path: '././@LongLink', type: 'K', content: 'target' }, { path: 'l' }),
  ),
  of('entry-type')('a character device', () => archiveOf({ path: 'dev', type: '3' })),
  of('entry-type')('a block device', () => archiveOf({ path: 'dev', type: '4' })),
  of('entry-type')('a pipe', () => archiveOf({ path: 'pipe', type: '6' })),
  of('entry-type')('a contiguous file', () => archiveOf({ path: 'c', type: '7' })),
  of('entry-type')('a folder dump of GNU', () => archiveOf({ path: 'd', type: 'D' })),
  of('entry-type')('a volume label', () => archiveOf({ path: 'v', type: 'V' })),
  of('entry-type')('a continued file of another volume', () => archiveOf({ path: 'm', type: 'M' })),
  of('entry-type')('a type of nobody', () => archiveOf({ path: 'm', type: '\x7f' })),
  of('sparse')('a sparse file of GNU', () => archiveOf({ path: 's', type: 'S' })),
  of('sparse')('a sparse file of PAX', () =>
    archiveOf(paxPart({ 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '99999999999' }), {}),
  ),
];

const overrides: readonly HostileArchive[] = [
  of('override')('a PAX header with another size', () => archiveOf(paxPart({ size: '1' }), {})),
  of('override')('a PAX header with the real size of star', () =>
    archiveOf(paxPart({ 'SCHILY.realsize': '99999999999' }), {}),
  ),
  of('override')('a PAX header with a link', () => archiveOf(paxPart({ linkpath: '/etc' }), {})),
  of('override')('a PAX header with another character set', () =>
    archiveOf(paxPart({ hdrcharset: 'BINARY' }), {}),
  ),
  of('override')('a path for the whole archive', () => archiveOf(paxPart({ path: 'x' }, 'g'), {})),
  of('override')('two PAX headers for one entry', () =>
    archiveOf(paxPart({ path: 'a' }), paxPart({ path: 'b' }), {}),
  ),
  of('override')('a PAX header and a long name for one entry', () =>
    archiveOf(paxPart({ path: 'a' }), { path: '././@LongLink', type: 'L', content: 'b\0' }, {}),
  ),
  of('override')('a path twice in one PAX header', () =>
    archiveOf({ type: 'x', content: paxRecords({ path: 'a' }) + paxRecords({ path: 'b' }) }, {}),
  ),
  of('override')('a PAX record that is longer than its header', () =>
    archiveOf({ type: 'x', content: '99 path=a\n' }, {}),
  ),
  of('override')('a PAX record of no length', () =>
    archiveOf({ type: 'x', content: '0 path=a\n' }, {}),
  ),
  of('override')('a PAX record without an end', () =>
    archiveOf({ type: 'x', content: '9 path=ab' }, {}),
  ),
  of('override')('an empty PAX path', () => archiveOf(paxPart({ path: '' }), {})),
  of('override')('a PAX header of a megabyte', () =>
    archiveOf(paxPart({ comment: 'x'.repeat(MIB) }), {}),
  ),
  of('override')('a long name of a megabyte', () =>
    archiveOf({ path: '././@LongLink', type: 'L', content: 'x'.repeat(MIB) }, {}),
  ),
  of('override')('a long name with a second one after its end', () =>
    archiveOf({ path: '././@LongLink', type: 'L', content: 'app.py\0evil.py\0' }, {}),
  ),
  of('override')('a long name of nothing', () => archiveOf(paxPart({ path: 'a' }))),
  of('override')('headers for the whole archive without end', () =>
    archiveOf(...Array.from({ length: 3 }, () => paxPart({ comment: 'x' }, 'g'))),
  ),
  of('path-parent')('a PAX path that leads out of the archive', () =>
    archiveOf(paxPart({ path: '../evil' }), {}),
  ),
  of('path-absolute')('a long name that is absolute', () =>
    archiveOf({ path: '././@LongLink', type: 'L', content: '/etc/passwd\0' }, {}),
  ),
  of('path-too-long')('a PAX path of a thousand bytes', () =>
    archiveOf(paxPart({ path: 'a/'.repeat(500) }), {}),
  ),
  of('duplicate')('a PAX path that is the manifest a second time', () =>
    archiveOf(paxPart({ path: 'submission.yaml' }), { content: MANIFEST_YAML }),
  ),
];

const paths: readonly HostileArchive[] = [
  of('path-absolute')('an absolute path', () => archiveOf({ path: '/etc/passwd' })),
  of('path-absolute')('two slashes at the beginning', () => archiveOf({ path: '//etc/passwd' })),
  of('path-parent')('a path that begins with ..', () => archiveOf({ path: '../evil' })),
  of('path-parent')('a path with .. in the middle', () => archiveOf({ path: 'a/../../evil' })),
  of('path-parent')('a folder named ..', () => archiveOf({ path: '..', type: '5' })),
  of('path-parent')('a .. in the prefix', () => archiveOf({ path: 'evil', prefix: '../..' })),
  of('path-character')('a path with backslashes', () => archiveOf({ path: 'a\\..\\..\\evil' })),
  of('path-character')('a path with a line feed', () => archiveOf({ path: 'a\nb' })),
  of('path-character')('a path that turns the direction of text', () =>
    archiveOf({ path: 'a\u202egnp.py' }),
  ),
  of('path-character')('a path with a character that is not seen', () =>
    archiveOf({ path: 'submission\u200b.yaml' }),
  ),
  of('path-character')('a NUL in a PAX path', () => archiveOf(paxPart({ path: 'a\0b' }), {})),
  of('path-encoding')('something after the NUL in a name', () => archiveOf({ path: 'a\0/evil' })),
  of('path-encoding')('a name in Latin-1', () => archiveOf({ path: Buffer.from([0x63, 0xe9]) })),
  of('path-encoding')('a name with an overlong slash', () =>
    archiveOf({ path: Buffer.from([0x2e, 0x2e, 0xc0, 0xaf, 0x78]) }),
  ),
  of('path-encoding')('a PAX path that is no UTF-8', () =>
    archiveOf({ type: 'x', content: Buffer.from('10 path=\xe9\n', 'latin1') }, {}),
  ),
  of('path-component')('an empty name', () => archiveOf({ path: '' })),
  of('path-component')('a file whose name ends as a folder', () => archiveOf({ path: 'a/' })),
  of('path-component')('an empty component', () => archiveOf({ path: 'a//b' })),
  of('path-component')('a component of one dot', () => archiveOf({ path: 'a/./b' })),
  of('path-too-long')('a component of 300 bytes', () =>
    archiveOf(paxPart({ path: 'x'.repeat(300) }), {}),
  ),
  of('duplicate')('a file twice', () => archiveOf({ path: 'a' }, { path: 'a' })),
  of('duplicate')('a file twice, once with a dot before it', () =>
    archiveOf({ path: 'a' }, { path: './a' }),
  ),
  of('duplicate')('the manifest twice', () =>
    archiveOf({ path: 'submission.yaml', content: MANIFEST_YAML }),
  ),
  of('duplicate')('a folder twice', () =>
    archiveOf({ path: 'd', type: '5' }, { path: 'd/', type: '5' }),
  ),
  of('collision')('names that differ in case', () =>
    archiveOf({ path: 'App.py' }, { path: 'app.py' }),
  ),
  of('collision')('the manifest in upper case', () => archiveOf({ path: 'Submission.YAML' })),
  of('collision')('names that are composed in two ways', () =>
    archiveOf({ path: 'caf\u00e9' }, { path: 'cafe\u0301' }),
  ),
  of('collision')('names that differ as sharp s and double s do', () =>
    archiveOf({ path: 'stra\u00dfe' }, { path: 'STRASSE' }),
  ),
  of('collision')('names in wide characters', () => archiveOf({ path: 'app' }, { path: 'ａｐｐ' })),
  of('collision')('folders that differ in case', () =>
    archiveOf({ path: 'Lib/a.py' }, { path: 'lib/b.py' }),
  ),
  of('collision')('a file where a folder is', () => archiveOf({ path: 'a/b' }, { path: 'a' })),
  of('collision')('a folder where a file is', () => archiveOf({ path: 'a' }, { path: 'a/b' })),
  of('collision')('a file that becomes a folder', () =>
    archiveOf({ path: 'a' }, { path: 'a', type: '5' }),
  ),
];

const manifests: readonly HostileArchive[] = [
  of('manifest-missing')('no manifest', () => raw(tarPart({ path: 'app.py' }), TAR_END)),
  of('manifest-missing')('nothing but an end', () => raw(TAR_END)),
  of('manifest-missing')('a manifest that is not at the root', () =>
    raw(tarPart({ path: 'app/submission.yaml', content: MANIFEST_YAML }), TAR_END),
  ),
  of('manifest-missing')('a folder in the place of the manifest', () =>
    raw(tarPart({ path: 'submission.yaml', type: '5' }), TAR_END),
  ),
  of('manifest-too-large')('a manifest of more than four kibibytes', () =>
    raw(tarPart({ path: 'submission.yaml', content: '#'.repeat(MAX_MANIFEST_BYTES + 1) }), TAR_END),
  ),
];

/** Archives that must be refused, each with the reason that is its own. Made by code: some are bombs. */
export const HOSTILE_ARCHIVES: readonly HostileArchive[] = [
  ...bombs,
  ...compression,
  ...headers,
  ...types,
  ...overrides,
  ...paths,
  ...manifests,
];
