/** Notes and keys that C2SP, Go's checksum database and Tessera publish: known answers. */

/** C2SP signed-note, its example. */
export const C2SP_VKEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
export const C2SP_NOTE = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;

/** Go's sumdb/note, its example: two signatures. */
export const PETER_VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
export const PETER_NOTE = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;

/** The log of Tessera's test data at size 15, and the proof that its fourth entry is "four". */
export const GOLDEN_VKEY =
  'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
export const GOLDEN_CHECKPOINT = `example.com/log/testdata
15
rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=

— example.com/log/testdata M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI=
`;
export const GOLDEN_PROOF = `c2sp.org/tlog-proof@v1
index 3
Zx8UbF5HHooag6PCFM5LqQe486WIjRTMjNPOdbsS75Q=
T1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Teci4=
g0ZoeYWtIV8Q8i+4CmgqPnBvH2il107lyCgTQsyB7H4=
5jLpqTgjsBDSEX6SgZiRnbTMdTuRd8bQ5tSsAOxe0Ks=

${GOLDEN_CHECKPOINT}`;

/** Our own sample: Ed25519 seed 00 01 … 1f, the hotkey's line made with a nonce of zeros. */
export const SAMPLE_ORIGIN =
  'eirel.network/log/v1/2f0555cc/36/5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV/0';
export const SAMPLE_HOTKEY = '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV';
export const SAMPLE_SEED = Uint8Array.from({ length: 32 }, (_, index) => index);
export const SAMPLE_CHECKPOINT = `${SAMPLE_ORIGIN}
15
rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=

— ${SAMPLE_ORIGIN} UTxJU8+UIHIf5YbEHz+KGx44yKuFhrQ1rDih8Vr3Amul3SafnVu2zqROJ2GQnaEwbzBRVZ7wa8wgXunZ0q84xM2mmw4=
— ${SAMPLE_ORIGIN} zsYcIgDxNpZvwAuArkXn0MD/KWRD/Etv/5loQTdsvjsIa3RI8vgIGvXIw+YamWtpiH4G/6XQHqLvwvwFUk/A88oF4YQ=
`;
export const SAMPLE_LOG_VKEY = `${SAMPLE_ORIGIN}+513c4953+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4`;
export const SAMPLE_HOTKEY_VKEY = `${SAMPLE_ORIGIN}+cec61c22+/2VpcmVsLm5ldHdvcmsvc3IyNTUxOS1ub3RlL3YxRuvd74zZuxZ9wwh41xE7fhaObwZGvv/XfWnTm612tHo=`;

/** Root of the sample and of the golden log at size 15. */
export const ROOT_15 = 'rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=';

/** A note's bytes. */
export const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');
