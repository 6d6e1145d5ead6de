import { createFairShelf } from './fair-shelf.ts';
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

/** A page without text costs something, too. */
const PAGE_LENGTH = 1_024;

/** In memory, bounded: what was not used for longest is forgotten first, and the job has to search or open it again. */
export function createPageMemory(nowMs: () => number): PageMemory {
  const documents = createFairShelf<KnownDocument>(MAX_DOCUMENTS, nowMs);
  const pages = createFairShelf<OpenedPage>(MAX_TEXT_LENGTH, nowMs);
  return {
    found: (job, document) => documents.put(job, document.id, document, 1),
    document: documents.take,
    opened: (job, id, page) => pages.put(job, id, page, PAGE_LENGTH + page.text.length),
    page: pages.take,
  };
}
