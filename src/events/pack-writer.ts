import { storeError } from './log-error.ts';
import { encodeName, isEncodable } from './name.ts';

/**
 * Writes MessagePack into a buffer that grows, value by value, in the forms that docs/log-format.md prescribes.
 *
 * What is written most (transactions, their causes, file events) is written with this: msgpackr takes a list of values
 * for each event and looks at the type of each; that costs twice as much as writing the same bytes from the fields.
 *
 * Whoever writes values of fixed size calls {@link PackWriter.reserve} first; texts and bytes reserve for themselves and
 * leave {@link PackWriter.SPARE_BYTES} behind them.
 */
export class PackWriter {
  /** Free bytes that are there again after each text, enough for the numbers of any event. */
  static readonly SPARE_BYTES = 192;

  bytes: Buffer;
  /** Bytes written. */
  at = 0;

  constructor(capacity = 1024) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  reserve(count: number): void {
    if (this.at + count > this.bytes.length) this.#grow(count);
  }

  /** The head of a list of `count` values. */
  list(count: number): void {
    const { bytes, at } = this;
    if (count < 16) {
      bytes[at] = 0x90 | count;
      this.at = at + 1;
    } else if (count < 0x1_0000) {
      bytes[at] = 0xdc;
      bytes[at + 1] = count >>> 8;
      bytes[at + 2] = count;
      this.at = at + 3;
    } else {
      this.#word(0xdd, count);
    }
  }

  /** The shortest integer form from -2^31 to 2^32 - 1, else float 64. */
  number(value: number): void {
    const { bytes, at } = this;
    if (value >>> 0 === value && !(value === 0 && Object.is(value, -0))) {
      if (value < 0x80) {
        bytes[at] = value;
        this.at = at + 1;
      } else if (value < 0x100) {
        bytes[at] = 0xcc;
        bytes[at + 1] = value;
        this.at = at + 2;
      } else if (value < 0x1_0000) {
        bytes[at] = 0xcd;
        bytes[at + 1] = value >>> 8;
        bytes[at + 2] = value;
        this.at = at + 3;
      } else {
        this.#word(0xce, value);
      }
      return;
    }
    this.#otherNumber(value);
  }

  flag(value: boolean): void {
    this.bytes[this.at++] = value ? 0xc3 : 0xc2;
  }

  nil(): void {
    this.bytes[this.at++] = 0xc0;
  }

  numberOrNil(value: number | null): void {
    if (value === null) this.nil();
    else this.number(value);
  }

  int64(value: bigint): void {
    this.bytes[this.at] = 0xd3;
    this.bytes.writeBigInt64BE(value, this.at + 1);
    this.at += 9;
  }

  /**
   * As `str`, or as `bin` when the bytes are not UTF-8 (`name.ts`) or start with U+FEFF, which a TextDecoder in its usual
   * mode swallows.
   *
   * @param start - Index of the first character that is written.
   * @throws `ERR_INVALID_ARGUMENT` for a lone surrogate that stands for no byte.
   */
  text(text: string, start = 0): void {
    const length = text.length - start;
    this.reserve(length * 3 + 5 + PackWriter.SPARE_BYTES);
    if (length < 32) {
      const { bytes } = this;
      let at = this.at + 1;
      for (let index = start; index < text.length; index++) {
        const unit = text.charCodeAt(index);
        if (unit >= 0x80) return this.#wideText(text.slice(start));
        bytes[at++] = unit;
      }
      bytes[this.at] = 0xa0 | length;
      this.at = at;
      return;
    }
    this.#wideText(start === 0 ? text : text.slice(start));
  }

  blob(value: Uint8Array): void {
    this.reserve(value.length + 5 + PackWriter.SPARE_BYTES);
    this.#lengthOf(value.length, 0xc4);
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  /** Takes values that were encoded already. */
  encoded(values: Uint8Array): void {
    this.reserve(values.length + PackWriter.SPARE_BYTES);
    this.bytes.set(values, this.at);
    this.at += values.length;
  }

  #wideText(text: string): void {
    if (text.isWellFormed() && text.charCodeAt(0) !== 0xfeff) {
      const length = Buffer.byteLength(text);
      if (length < 32) this.bytes[this.at++] = 0xa0 | length;
      else this.#lengthOf(length, 0xd9);
      this.bytes.write(text, this.at, length, 'utf8');
      this.at += length;
    } else if (isEncodable(text)) {
      this.blob(encodeName(text));
    } else {
      throw storeError('ERR_INVALID_ARGUMENT', 'a string holds a lone surrogate that stands for no byte');
    }
  }

  /** A length in 1, 2 or 4 bytes behind the tag of its size. */
  #lengthOf(length: number, tag: number): void {
    const { bytes, at } = this;
    if (length < 0x100) {
      bytes[at] = tag;
      bytes[at + 1] = length;
      this.at = at + 2;
    } else if (length < 0x1_0000) {
      bytes[at] = tag + 1;
      bytes[at + 1] = length >>> 8;
      bytes[at + 2] = length;
      this.at = at + 3;
    } else {
      this.#word(tag + 2, length);
    }
  }

  #word(tag: number, value: number): void {
    const { bytes, at } = this;
    bytes[at] = tag;
    bytes[at + 1] = value >>> 24;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 8;
    bytes[at + 4] = value;
    this.at = at + 5;
  }

  #otherNumber(value: number): void {
    const { bytes, at } = this;
    if ((value | 0) === value && !Object.is(value, -0)) {
      if (value >= -0x20) {
        bytes[at] = value;
        this.at = at + 1;
      } else if (value >= -0x80) {
        bytes[at] = 0xd0;
        bytes[at + 1] = value;
        this.at = at + 2;
      } else if (value >= -0x8000) {
        bytes[at] = 0xd1;
        bytes[at + 1] = value >>> 8;
        bytes[at + 2] = value;
        this.at = at + 3;
      } else {
        this.#word(0xd2, value);
      }
      return;
    }
    bytes[at] = 0xcb;
    bytes.writeDoubleBE(value, at + 1);
    this.at = at + 9;
  }

  #grow(count: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + count));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }
}
