/** Letters of other scripts that look like these; Unicode's own compatibility forms are folded before. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  // Cyrillic, in the shape of its capitals where the small letter differs, so that a text in Cyrillic stays the same in either.
  ...pairs('аa вb еe кk мm нh оo рp сc тt уy хx іi јj ѕs ԁd һh ӏl ѵv ԛq ԝw'),
  // Greek small letters
  ...pairs('αa ιi κk νv οo ρp υu χx γy'),
  // Armenian, Latin beyond ASCII
  ...pairs('օo սu ոn ıi ɡg ɑa ʟl'),
};

/** Greek capitals are other letters by their shape than the small ones. */
const GREEK_CAPITALS: Readonly<Record<string, string>> = pairs(
  'Αa Βb Εe Ζz Ηh Ιi Κk Μm Νn Οo Ρp Τt Υy Χx',
);

const LOOKALIKE = characters({ ...LOOKALIKES });
const GREEK_CAPITAL = characters(GREEK_CAPITALS);

/** Format characters, marks that stand on any letter, and emphasis: a reader sees none of them as part of a word. */
const UNSEEN = /[\p{Cf}\p{Script=Inherited}*_`~]/gu;

/** Letters and symbols that are drawn as nothing. */
const BLANK = /[\u115f\u1160\u2800\u3164\uffa0]/g;

/**
 * A text as a reader sees it, for comparison with another in the same spelling: without regard to case, to forms, marks
 * and invisible characters, and to letters that only look like others. Spaces are single; a paragraph's end is ` ¶ `.
 */
export function plainSpelling(text: string): string {
  return text
    .replaceAll(/\r?\n[^\S\n]*\n\s*/g, ' ¶ ')
    .replaceAll(BLANK, ' ')
    .replaceAll(GREEK_CAPITAL, (letter) => GREEK_CAPITALS[letter] ?? letter)
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(UNSEEN, '')
    .replaceAll(LOOKALIKE, (letter) => LOOKALIKES[letter] ?? letter)
    .replaceAll(/[‘’ʼ]/g, "'")
    .replaceAll(/\p{Pd}/gu, '-')
    .normalize('NFC')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function pairs(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split(' ').map((pair) => [pair.slice(0, -1), pair.slice(-1)] as const),
  );
}

function characters(table: Readonly<Record<string, string>>): RegExp {
  return new RegExp(`[${Object.keys(table).join('')}]`, 'g');
}
