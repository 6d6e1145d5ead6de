import { gzipSync } from 'node:zlib';

/** One header and its content, with every field as a hostile writer may set it. */
export type TarPart = Readonly<{
  path?: string | Uint8Array;
  prefix?: string | Uint8Array;
  type?: string;
  content?: Uint8Array | string;
  /** The size field, where it does not say the content's. */
  size?: number | string | Uint8Array;
  magic?: string;
  link?: string;
  checksum?: string;
  /** Bytes to write over the header before its checksum is made. */
  patch?: Readonly<{ at: number; bytes: Uint8Array }>;
}>;

export const BLOCK = 512;

/** The bytes of one entry: its header, its content and the padding. */
export function tarPart(part: TarPart): Uint8Array {
  const content = Buffer.from(part.content ?? '');
  const header = Buffer.alloc(BLOCK);
  const put = (at: number, value: string | Uint8Array): void => header.set(Buffer.from(value), at);
  put(0, part.path ?? 'file');
  put(100, '0000644\0');
  put(108, '0000000\0');
  put(116, '0000000\0');
  const size = part.size ?? content.length;
  put(124, typeof size === 'number' ? `${size.toString(8).padStart(11, '0')}\0` : size);
  put(136, '00000000000\0');
  put(156, part.type ?? '0');
  put(157, part.link ?? '');
  put(257, part.magic ?? 'ustar\u000000');
  put(345, part.prefix ?? '');
  if (part.patch !== undefined) put(part.patch.at, part.patch.bytes);
  put(148, '        ');
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, part.checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `);
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
  return Buffer.concat([header, content, padding]);
}

/** The records of a PAX extended header. */
export function paxRecords(records: Readonly<Record<string, string>>): string {
  return Object.entries(records)
    .map(([key, value]) => {
      const rest = ` ${key}=${value}\n`;
      const bytes = Buffer.byteLength(rest);
      const length = bytes + String(bytes + String(bytes).length).length;
      return `${length}${rest}`;
    })
    .join('');
}

/** A PAX extended header for the entry after it. */
export function paxPart(records: Readonly<Record<string, string>>, type = 'x'): Uint8Array {
  return tarPart({ path: 'PaxHeaders/file', type, content: paxRecords(records) });
}

export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK);

export const MANIFEST_YAML = `schema_version: 1
agent:
  name: honest
  version: 1.0.0
family_id: general_chat
runtime:
  port: 8080
resources: { cpu: 0.5, memory_gb: 2 }
`;

export const manifestPart = tarPart({ path: 'submission.yaml', content: MANIFEST_YAML });

/** A whole archive: the manifest, what else is given, and the end. */
export function tarFile(...parts: readonly (TarPart | Uint8Array)[]): Uint8Array {
  const bytes = parts.map((part) => (part instanceof Uint8Array ? part : tarPart(part)));
  return Buffer.concat([manifestPart, ...bytes, TAR_END]);
}

/** The same, compressed. */
export function archiveOf(...parts: readonly (TarPart | Uint8Array)[]): Uint8Array {
  return gzipSync(tarFile(...parts));
}
