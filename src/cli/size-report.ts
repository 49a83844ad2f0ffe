/** `du --why`: why a container or an image is as large as it is, for people. */

import {
  type AvoidableReason,
  type ContainerSize,
  type DriverBill,
  type ImageHistoryStep,
  type ImageSize,
  printableName,
  type UpperOrigin,
  type WastedPath,
} from '../index.ts';
import type { DirectorySize } from './directory-sizes.ts';
import { plural } from './format/size.ts';
import { type Column, formatTable } from './format/table.ts';
import { causeLine } from './format/transaction.ts';

/** So many of the largest files and directories are shown; JSON has all. */
const SHOWN = 10;

const ORIGINS: Readonly<Record<UpperOrigin, string>> = {
  made: 'made here',
  changed: 'copied up, and changed',
  unchanged: 'copied up, the same as in the image',
};

const REASONS: Readonly<Record<AvoidableReason, string>> = {
  attributes: 'attributes changed, content not',
  rename: 'renamed, content not changed',
  link: 'linked, content not changed',
  'opened for writing': 'opened for writing, content not changed',
};

type Size = (bytes: number) => string;

export interface ContainerReport extends ContainerSize {
  readonly name: string;
  readonly image: string;
  readonly imageBytes: number;
  /** What the container wrote, by directory. */
  readonly directories: readonly DirectorySize[];
  /** What each driver would take for this container. */
  readonly drivers: readonly DriverShare[];
}

export interface DriverShare {
  readonly driver: string;
  readonly bytes: number;
  /** Against overlay2 on ext4: negative is more. */
  readonly savedBytes: number;
}

/** What drivers take, the least first, beside what overlay2 does. */
export function driverShares(bills: readonly DriverBill[], bytesOf: (bill: DriverBill) => number): DriverShare[] {
  const overlay2 = bills.find(({ driver }) => driver === 'overlay2');
  const reference = overlay2 === undefined ? 0 : bytesOf(overlay2);
  const shares = bills.map((bill) => ({
    driver: bill.driver,
    bytes: bytesOf(bill),
    savedBytes: reference - bytesOf(bill),
  }));
  return shares.toSorted((a, b) => a.bytes - b.bytes);
}

export function containerText(report: ContainerReport, size: Size): string {
  const { bytes, allocatedBytes, directoryBytes } = report;
  const parts = [
    `${printableName(report.name)} has written ${size(bytes)} (Docker: sum of file sizes), on ${report.image} of ${size(report.imageBytes)}\n` +
      `allocated: ${size(allocatedBytes)} (containerd: blocks × 512, ${size(directoryBytes)} of it directories)\n`,
  ];
  if (report.files.length > 0) {
    parts.push(
      `By operation:\n${formatTable(report.byOperation, [
        ...shareColumns(size),
        { title: 'OPERATION', value: ({ operation }) => printableName(operation) },
        { title: '', value: ({ origin }) => ORIGINS[origin] },
      ])}`,
      `By layer:\n${formatTable(report.byLayer, [
        ...shareColumns(size),
        { title: 'FROM', value: ({ layer }) => (layer === null ? 'made here' : `layer ${layer + 1}`) },
      ])}`,
      `By directory:\n${formatTable(largest(report.directories), [
        { title: 'WRITTEN', value: ({ upperBytes }) => size(upperBytes), align: 'right' },
        { title: 'DIRECTORY', value: ({ path }) => printableName(path) },
      ])}`,
    );
  }
  parts.push(avoidableText(report, size), driversText(report.drivers, size));
  return parts.filter((part) => part !== '').join('\n');
}

function avoidableText({ avoidable, avoidableBytes }: ContainerReport, size: Size): string {
  if (avoidableBytes === 0) return '';
  const rows = formatTable(avoidable.slice(0, SHOWN), [
    { title: 'SIZE', value: ({ bytes }) => size(bytes), align: 'right' },
    { title: 'FILE', value: ({ path }) => printableName(path) },
    { title: 'BY', value: ({ seq, cause }) => `#${seq} ${causeLine(cause)}` },
    { title: 'WHY', value: ({ reason }) => (reason === null ? '' : REASONS[reason]) },
  ]);
  return `Avoidable: ${size(avoidableBytes)} were copied up and are the same as in the image:\n${rows}${moreText(avoidable.length)}`;
}

const moreText = (count: number): string => (count > SHOWN ? `… and ${plural(count - SHOWN, 'file')} more\n` : '');

function driversText(drivers: readonly DriverShare[], size: Size): string {
  return `With other storage drivers:\n${formatTable(drivers, [
    { title: 'TAKES', value: ({ bytes }) => size(bytes), align: 'right' },
    { title: 'DRIVER', value: ({ driver }) => driver },
    { title: '', value: ({ savedBytes }) => savedText(savedBytes, size) },
  ])}`;
}

function savedText(savedBytes: number, size: Size): string {
  if (savedBytes === 0) return '';
  return savedBytes > 0 ? `${size(savedBytes)} less than overlay2` : `${size(-savedBytes)} more than overlay2`;
}

function shareColumns<Row extends { readonly files: number; readonly bytes: number; readonly allocatedBytes: number }>(
  size: Size,
): Column<Row>[] {
  return [
    { title: 'SIZE', value: ({ bytes }) => size(bytes), align: 'right' },
    { title: 'ALLOCATED', value: ({ allocatedBytes }) => size(allocatedBytes), align: 'right' },
    { title: 'FILES', value: ({ files }) => String(files), align: 'right' },
  ];
}

/** Directories that wrote something, the largest first. */
const largest = (directories: readonly DirectorySize[]): DirectorySize[] =>
  directories
    .filter(({ upperBytes }) => upperBytes > 0)
    .toSorted((a, b) => b.upperBytes - a.upperBytes)
    .slice(0, SHOWN);

export interface ImageReport extends ImageSize {
  readonly name: string;
  readonly wasted: readonly WastedPath[];
  readonly directories: readonly Pick<DirectorySize, 'path' | 'bytes'>[];
  /** Steps of the history that made a layer, lowest first. */
  readonly steps: readonly ImageHistoryStep[];
  readonly drivers: readonly DriverShare[];
}

export function imageText(report: ImageReport, size: Size): string {
  const { bytes, allocatedBytes, hiddenBytes, repeatedBytes } = report;
  const parts = [
    `${printableName(report.name)} takes ${size(bytes)} (Docker: sum of file sizes) in ${plural(report.layers.length, 'layer')}\n` +
      `allocated: ${size(allocatedBytes)} (containerd: blocks × 512, directories too)\n` +
      `nobody sees ${size(hiddenBytes)} of it; ${size(repeatedBytes)} are stored again as they were\n`,
    `By layer:\n${formatTable(report.layers, [
      { title: 'LAYER', value: ({ layer }) => String(layer + 1), align: 'right' },
      { title: 'SIZE', value: (row) => size(row.bytes), align: 'right' },
      { title: 'ALLOCATED', value: (row) => size(row.allocatedBytes), align: 'right' },
      { title: 'NEW', value: (row) => size(row.newBytes), align: 'right' },
      { title: 'CHANGED', value: (row) => size(row.changedBytes), align: 'right' },
      { title: 'REPEATED', value: (row) => size(row.repeatedBytes), align: 'right' },
      { title: 'HIDDEN', value: (row) => size(row.hiddenBytes), align: 'right' },
      { title: 'MADE BY', value: ({ layer }) => shorten(printableName(report.steps[layer]?.createdBy ?? '')) },
    ])}`,
    `By directory:\n${formatTable(report.directories.toSorted((a, b) => b.bytes - a.bytes).slice(0, SHOWN), [
      { title: 'SEEN', value: (row) => size(row.bytes), align: 'right' },
      { title: 'DIRECTORY', value: ({ path }) => printableName(path) },
    ])}`,
    repeatedText(report, size),
    hiddenText(report, size),
    driversText(report.drivers, size),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function repeatedText({ repeated, repeatedBytes, steps }: ImageReport, size: Size): string {
  if (repeatedBytes === 0) return '';
  const rows = formatTable(repeated.slice(0, SHOWN), [
    { title: 'SIZE', value: ({ bytes }) => size(bytes), align: 'right' },
    { title: 'FILE', value: ({ path }) => printableName(path) },
    { title: 'LAYER', value: ({ layer }) => String(layer + 1), align: 'right' },
    {
      title: 'WHY',
      value: ({ isAttributeChange }) => (isAttributeChange ? 'attributes changed, content not' : 'the same again'),
    },
    { title: 'BY', value: ({ layer }) => shorten(printableName(steps[layer]?.createdBy ?? '')) },
  ]);
  return `Avoidable: ${size(repeatedBytes)} that a layer below holds already:\n${rows}${moreText(repeated.length)}`;
}

function hiddenText({ wasted }: ImageReport, size: Size): string {
  if (wasted.length === 0) return '';
  const rows = formatTable(wasted.slice(0, SHOWN), [
    { title: 'SIZE', value: ({ bytes }) => size(bytes), align: 'right' },
    { title: 'FILE', value: ({ path }) => printableName(path) },
    { title: 'IN LAYERS', value: ({ layers }) => layers.map((layer) => layer + 1).join(', ') },
    {
      title: '',
      value: ({ deletedIn }) => (deletedIn === null ? 'written again' : `deleted in layer ${deletedIn + 1}`),
    },
  ]);
  return `Stored and never seen:\n${rows}${moreText(wasted.length)}`;
}

const shorten = (text: string): string => (text.length <= 60 ? text : `${text.slice(0, 59)}…`);
