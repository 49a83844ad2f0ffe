import { encodeName, isUtf8Name } from '../../events/name.ts';

/** A text as one word of a scenario, quoted where it has to be. */
export function word(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (isUtf8Name(text) && /^[^'\p{Cc}]*$/u.test(text)) return `'${text}'`;
  let escaped = '';
  for (const byte of encodeName(text)) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x27 && byte !== 0x5c;
    escaped += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `$'${escaped}'`;
}
