import type { ByteDocument } from './signed-bytes.ts';

/** Documents that never change, by key; the least recently used ones make room. */
export type ByteCache = Readonly<{
  get: (key: string) => ByteDocument | undefined;
  set: (key: string, document: ByteDocument) => void;
}>;

/** Some 400 reports of a full subnet: the runs that peers still ask for, in a fraction of a process's memory. */
const CACHE_MAX_BYTES = 16 * 1024 * 1024;

/** Bounds the entries' own overhead where the documents are tiny. */
const CACHE_MAX_ENTRIES = 2_048;

/** A cache bounded in bytes and entries. A document that is greater than the whole bound is not kept. */
export function createByteCache(
  { maxBytes, maxEntries } = { maxBytes: CACHE_MAX_BYTES, maxEntries: CACHE_MAX_ENTRIES },
): ByteCache {
  const entries = new Map<string, ByteDocument>();
  let bytes = 0;
  let newest: string | undefined;

  const remove = (key: string): void => {
    bytes -= entries.get(key)?.bytes.length ?? 0;
    entries.delete(key);
  };
  return {
    get: (key) => {
      const document = entries.get(key);
      // Mostly one run is asked for again and again: then there is nothing to move.
      if (document === undefined || key === newest) return document;
      // A map iterates in the order of insertion, so the first key is the least recently used.
      entries.delete(key);
      entries.set(key, document);
      newest = key;
      return document;
    },
    set: (key, document) => {
      remove(key);
      if (document.bytes.length > maxBytes) return;
      entries.set(key, document);
      newest = key;
      bytes += document.bytes.length;
      for (const oldest of entries.keys()) {
        if (bytes <= maxBytes && entries.size <= maxEntries) break;
        remove(oldest);
      }
    },
  };
}
