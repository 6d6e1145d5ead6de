import { jsonLiteral } from './sqlite.ts';

/** The table with the chunks of a corpus; a name that nobody chose. */
export function tableOf(digest: string): string {
  return `chunks_${digest}`;
}

/** What removes a corpus; fine where there is none. */
export function dropping(digest: string): readonly string[] {
  return [
    `DROP TABLE IF EXISTS ${tableOf(digest)}`,
    `DELETE FROM corpora WHERE digest = ${textLiteral(digest)}`,
  ];
}

/** A text as SQL, by way of JSON: it may be anybody's. */
export function textLiteral(text: string): string {
  return `(${jsonLiteral([text])} ->> 0)`;
}
