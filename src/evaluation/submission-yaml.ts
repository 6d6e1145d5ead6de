import { isScalar, parseDocument, visit } from 'yaml';
import { encode, type Json, textOf } from '../events/ej1.ts';
import { detailOf } from '../events/scalars.ts';
import { MAX_MANIFEST_BYTES } from './archive-listing.ts';
import { readManifest } from './manifest.ts';
import { MAX_MANIFEST_LENGTH } from './roster.ts';

/** The text that a roster carries for a `submission.yaml`, or what is wrong with the file. */
export type ManifestText =
  | Readonly<{ kind: 'read'; text: string }>
  | Readonly<{ kind: 'unfit'; detail: string }>;

/**
 * The EJ1 text of a `submission.yaml`: YAML 1.2 in the core schema, one document, without anchors, aliases, tags or a key
 * twice, all keys strings. A number that is no integer becomes its shortest decimal text, because EJ1 has no fractions. So the
 * owner and every validator make the same text of the same bytes, which are a miner's. Never throws.
 */
export function manifestText(bytes: Uint8Array): ManifestText {
  if (bytes.length > MAX_MANIFEST_BYTES)
    return unfit(`${bytes.length} bytes, at most ${MAX_MANIFEST_BYTES}`);
  try {
    const yaml = textOf(bytes);
    if (/^%/m.test(yaml)) return unfit('a directive, which may change what the rest means');
    const document = parseDocument(yaml, OPTIONS);
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) return unfit(fault.message);
    const excess = excessOf(document);
    if (excess !== null) return unfit(excess);
    const text = encode(jsonOf(document.toJS({ maxAliasCount: 0 })));
    if (text.length > MAX_MANIFEST_LENGTH)
      return unfit(`${text.length} characters, at most ${MAX_MANIFEST_LENGTH}`);
    const read = readManifest(text);
    return read.kind === 'read' ? { kind: 'read', text } : read;
  } catch (error) {
    // `ej1.malformed`, or what the parser throws for text that nests too deeply: all of it is about the file.
    return unfit(error instanceof Error ? error.message : String(error));
  }
}

const OPTIONS = {
  version: '1.2',
  schema: 'core',
  strict: true,
  uniqueKeys: true,
  merge: false,
  resolveKnownTags: false,
  logLevel: 'error',
  prettyErrors: false,
} as const;

/** What other readers of YAML do not all understand alike; null where there is nothing of it. */
function excessOf(document: ReturnType<typeof parseDocument>): string | null {
  let excess: string | null = null;
  visit(document, {
    Node: (_key, node) => {
      if ('anchor' in node && node.anchor !== undefined) excess = 'an anchor';
      if (node.tag !== undefined && !node.tag.startsWith(CORE_TAG)) excess = `a tag ${node.tag}`;
      return excess === null ? undefined : visit.BREAK;
    },
    Pair: (_key, { key }) => {
      if (isScalar(key) && typeof key.value === 'string') return undefined;
      excess = 'a key that is no text';
      return visit.BREAK;
    },
    Alias: () => {
      excess = 'an alias';
      return visit.BREAK;
    },
  });
  return excess;
}

const CORE_TAG = 'tag:yaml.org,2002:';

/** The value in EJ1's terms; what is of no JSON form is left for `encode` to refuse. */
function jsonOf(value: unknown): Json {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return String(value);
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(jsonOf);
  if (value === null || typeof value !== 'object') return value as Json; // safe: encode checks each leaf
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, jsonOf(each)]));
}

function unfit(detail: string): ManifestText {
  return { kind: 'unfit', detail: detailOf(detail) };
}
