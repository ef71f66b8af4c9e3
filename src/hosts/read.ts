import { isUtf8 } from 'node:buffer';
import { closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import type { Answer } from '../model.ts';
import { codeOf } from '../trouble.ts';
import type { Place } from './place.ts';
import { wantedOf } from './wanted.ts';

/**
 * What may still be read in one look at a host, counted down: bytes that are kept, bytes that are searched for lines, lines, and files.
 * Whoever puts more there wants memory or time to run out; a real host has a tenth of it.
 */
export type Room = { kept: number; searched: number; lines: number; files: number };

const MiB = 1024 * 1024;

/** The room that a look begins with. */
export const fullRoom = (): Room => ({ kept: 8 * MiB, searched: 256 * MiB, lines: 200_000, files: 10_000 });

/** The largest file that is read whole, and the largest that is searched for lines: records of packages have megabytes. */
const [mostWhole, mostSearched] = [2 * MiB, 32 * MiB];

/** A kernel's configuration has a third of a MiB. */
const mostUnpacked = 16 * MiB;

/** Answers a `read`. */
export const readAnswer = (
  place: Place,
  path: string,
  lines?: readonly string[],
  paragraphs?: true,
  room: Room = fullRoom(),
): Answer => {
  try {
    const real = place.behind(path);
    const stats = statSync(real, { throwIfNoEntry: false });
    return stats ? fileAnswer(real, path, stats, room, lines, paragraphs) : { status: 1, text: '' };
  } catch (error) {
    return problemAnswer(path, codeOf(error));
  }
};

/** What became of a try to read a file, by the code of its error. */
export const problemAnswer = (path: string, code: string): Answer => {
  if (code === 'ERR_BUFFER_TOO_LARGE') return { status: 2, text: `${path} unpacks to more than 16 MiB` };
  return code === 'ENOENT' || code === 'ENOTDIR' ? { status: 1, text: '' } : { status: 2, text: `${path}: ${code}` };
};

/** Reading a device or a pipe could block, and a folder has no text. */
export const fileAnswer = (
  real: string,
  path: string,
  stats: Stats,
  room: Room,
  lines?: readonly string[],
  paragraphs?: true,
): Answer => {
  if (!stats.isFile()) return { status: 2, text: `${path} is no regular file` };
  if (lines?.length === 0) return { status: 0, text: '' };
  const searched = lines !== undefined || path.endsWith('.gz');
  const most = searched ? mostSearched : mostWhole;
  if (--room.files < 0 || (stats.size <= most && stats.size > (searched ? room.searched : room.kept)))
    return { status: 2, text: `${path} ${tooMuch}` };
  const content = stats.size > most ? undefined : bytesOf(real, stats.size, most);
  if (!content) return { status: 2, text: `${path} is larger than ${most / MiB} MiB` };
  return kept(searched ? searchedAnswer(content, path, room, lines, paragraphs) : wholeAnswer(content), path, room);
};

const tooMuch = 'was left out: the files before it were too many, or too long';

/** An answer, if there is room for it. Files of /proc have no size before they are read. */
const kept = (answer: Answer, path: string, room: Room): Answer => {
  if (answer.text.length > mostWhole) return { status: 2, text: `${path} is larger than ${mostWhole / MiB} MiB` };
  room.kept -= answer.text.length;
  for (let at = answer.text.indexOf('\n'); at >= 0; at = answer.text.indexOf('\n', at + 1)) room.lines -= 1;
  return room.kept < 0 || room.lines < 0 ? { status: 2, text: `${path} ${tooMuch}` } : answer;
};

/** Room for most files, made when the first is read. What lies in it is the next one's when the next one is read. */
let shared: Buffer | undefined;

/**
 * A file's bytes, until the next are read; undefined where they are more than `most`. `size`: what was told of it, which files of /proc and
 * those that grow have more of. A pipe that has taken its place, or a file of the kernel that has nothing to tell yet, is not waited for.
 */
const bytesOf = (real: string, size: number, most: number): Buffer | undefined => {
  shared ??= Buffer.allocUnsafeSlow(64 * 1024);
  let into = size < shared.length ? shared : Buffer.allocUnsafeSlow(size + 1);
  const file = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    for (let length = 0; length <= most;) {
      if (length === into.length) into = Buffer.concat([into], Math.min(2 * length, most + 1));
      const asked = into.length - length;
      const got = readSync(file, into, length, asked, null);
      length += got;
      // Where less comes than was told and asked for, there may be more: /proc gives it piece by piece.
      if (got === 0 || (size > 0 && length >= size && got < asked)) return length > most ? undefined : into.subarray(0, length);
    }
    return undefined;
  } finally {
    closeSync(file);
  }
};

const wholeAnswer = (content: Buffer): Answer => {
  const text = content.toString('utf8');
  return text.includes('\ufffd') && !isUtf8(content) ? { status: 0, text, garbled: true } : { status: 0, text };
};

const searchedAnswer = (bytes: Buffer, path: string, room: Room, lines?: readonly string[], paragraphs?: true): Answer => {
  const content = path.endsWith('.gz') ? unpacked(bytes) : bytes;
  room.searched -= content.length;
  const text = lines ? wantedOf(content, lines, paragraphs) : content.toString('utf8');
  return { status: 0, text, ...(!isUtf8(content) && { garbled: true }) };
};

const unpacked = (bytes: Buffer): Buffer =>
  process.getBuiltinModule('node:zlib').gunzipSync(bytes, { maxOutputLength: mostUnpacked });
