// Every mail in a folder against caniemail's data: Gmail, Outlook and Apple Mail must show it as it
// is meant. What one of them does not do is accepted below, with the reason, or fails.

import fs from 'node:fs';
import path from 'node:path';
import {caniemail} from 'caniemail';

const PROGRAMS = ['gmail.*', 'outlook.*', 'apple-mail.*'];

const ACCEPTED = {
  errors: {
    '<body> element': 'it has a margin alone; the table within has one of its own',
    'aria-hidden attribute': 'a bar is read out as an empty table then; its numbers stand beside it',
    'color-scheme meta tag': 'without it they choose their dark colours themselves: no text has its own',
    opacity: 'what is less important is as dark as the rest then',
    'role attribute': 'tables are read out as tables then',
    'white-space': 'a number may break after its thousands',
    'word-break': 'a very long name widens the mail',
  },
  warnings: {
    '<body> element': 'it has a margin alone; the table within has one of its own',
    '<ul>, <ol> and <dl>': 'reversed and value are not used',
    'align attribute': 'that of cells is used, and center of no table',
    background: 'only background-color is used',
    border: 'those of cells are used, at most 3px wide',
    'font-size': 'it is in px',
    'line-height': 'that of bars has mso-line-height-rule:exactly, and text may differ',
    margin: 'none is negative, and none is on a span',
    'max-width': 'it is on a table; where it does not hold, the mail is as wide as the window',
    padding: 'that of lists is 0, and all other is on cells',
    'white-space': 'pre is not used, and a number may break elsewhere',
    'width attribute': 'no image has one',
    'width property': 'it is on a table',
    'word-break': 'long names break anywhere, which is what it is for',
  },
};

const folder = process.argv[2];
const mails = fs.readdirSync(folder).filter((name) => name.endsWith('.html'));
const found = {errors: new Map(), warnings: new Map()};
for (const mail of mails) {
  const html = fs.readFileSync(path.join(folder, mail), 'utf8');
  const {issues} = caniemail({clients: PROGRAMS, html});
  for (const level of ['errors', 'warnings']) {
    for (const [program, features] of issues[level]) {
      for (const {title, notes} of features) {
        found[level].set(title, `${mail}, ${program}: ${(notes ?? []).join(' ')}`);
      }
    }
  }
}

let isFine = mails.length > 0;
for (const level of ['errors', 'warnings']) {
  for (const [title, where] of found[level]) {
    if (!(title in ACCEPTED[level])) {
      console.log(`${level}: ${title} (${where})`);
      isFine = false;
    }
  }
  for (const title of Object.keys(ACCEPTED[level])) {
    if (!found[level].has(title)) {
      console.log(`${level}: ${title} is accepted, and occurs no more`);
      isFine = false;
    }
  }
}
console.log(`${mails.length} mails`);
process.exit(isFine ? 0 : 1);
