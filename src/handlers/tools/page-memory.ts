import type { FoundDocument } from './search-provider.ts';

/** A document that a search gave to a job. */
export type KnownDocument = FoundDocument & Readonly<{ id: string }>;

/** What a job opened of it. */
type OpenedPage = Readonly<{ finalUrl: string; title: string; text: string }>;

/** What a job found and opened: without it a document's name means nothing. */
export type PageMemory = Readonly<{
  found: (job: string, document: KnownDocument) => void;
  document: (job: string, id: string) => KnownDocument | null;
  opened: (job: string, id: string, page: OpenedPage) => void;
  page: (job: string, id: string) => OpenedPage | null;
}>;

/** Some hundred jobs at once with all the searches that they may make. */
const MAX_DOCUMENTS = 20_000;

/** Of all pages together, in UTF-16 units: 64 MiB. */
const MAX_TEXT_LENGTH = 32 * 1024 * 1024;

/** In memory, bounded: what was not used for longest is forgotten first, and the job has to search or open it again. */
export function createPageMemory(): PageMemory {
  const documents = new Map<string, KnownDocument>();
  const pages = new Map<string, OpenedPage>();
  let length = 0;

  function forgetPage(key: string): void {
    length -= pages.get(key)?.text.length ?? 0;
    pages.delete(key);
  }

  return {
    found: (job, document) => {
      touch(documents, keyOf(job, document.id), document);
      for (const key of documents.keys()) {
        if (documents.size <= MAX_DOCUMENTS) return;
        documents.delete(key);
      }
    },
    document: (job, id) => used(documents, keyOf(job, id)),
    opened: (job, id, page) => {
      const key = keyOf(job, id);
      forgetPage(key);
      touch(pages, key, page);
      length += page.text.length;
      for (const oldest of pages.keys()) {
        if (length <= MAX_TEXT_LENGTH && pages.size <= MAX_DOCUMENTS) return;
        forgetPage(oldest);
      }
    },
    page: (job, id) => used(pages, keyOf(job, id)),
  };
}

/** A job's id holds no line end. */
function keyOf(job: string, id: string): string {
  return `${job}\n${id}`;
}

/** What is used goes to the end: at the beginning is what was not used for longest. */
function touch<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
}

function used<T>(map: Map<string, T>, key: string): T | null {
  const value = map.get(key);
  if (value === undefined) return null;
  touch(map, key, value);
  return value;
}
