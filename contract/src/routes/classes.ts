/** Routes of classes, badges and the September import. */
import { Type } from 'typebox';
import { Account, AccountId, GroupId } from '../account.ts';
import { BadgeText } from '../badge.ts';
import { ClassCode, ClassDetail, ClassDraft, ClassSummary, EntryClass, EntryHall, NewPupil, OtherPupil, PictureEntry, PicturePassword } from '../classes.ts';
import { ImportPreview, ImportReport } from '../people-import.ts';
import { List, Nothing, ofId, type Route } from '../route.ts';
import { Line, Nullable, Strict } from '../schema.ts';
import { SiteId } from '../site.ts';

const OfSite = Strict({ site: Type.Optional(SiteId) });

export const classRoutes = {
  enterByBadge: { method: 'POST', path: '/api/sign-in/badge', policy: 'public', summary: 'Sign in with a badge, from within the school', body: Strict({ badge: BadgeText }), reply: Account },
  readEntryHall: { method: 'GET', path: '/api/sign-in/classes', policy: 'public', summary: 'The classes of the school whose network one is in', reply: EntryHall },
  readEntryClass: { method: 'GET', path: '/api/sign-in/classes/:code', policy: 'public', summary: 'First names of a class, from within its school', params: Strict({ code: ClassCode }), reply: EntryClass },
  enterByPictures: { method: 'POST', path: '/api/sign-in/pictures', policy: 'public', summary: 'Sign in with a picture password, from within the school', body: PictureEntry, reply: Account },

  listClasses: { method: 'GET', path: '/api/classes', policy: 'teacher', reach: 'site', summary: 'Classes of my school (technicians: of every school)', query: OfSite, reply: List(ClassSummary) },
  createClass: { method: 'POST', path: '/api/classes', policy: 'contact', reach: 'site', summary: 'Add a class', body: ClassDraft, reply: ClassDetail, status: 201 },
  readClass: { method: 'GET', path: '/api/classes/:id', policy: 'teacher', reach: 'site', summary: 'A class, its children and their badges', params: ofId(GroupId), reply: ClassDetail },
  renameClass: { method: 'PUT', path: '/api/classes/:id', policy: 'contact', reach: 'site', summary: 'Rename a class', params: ofId(GroupId), body: Strict({ name: Line(80) }), reply: ClassDetail },
  listOtherPupils: { method: 'GET', path: '/api/classes/:id/others', policy: 'contact', reach: 'site', summary: 'Pupils of the school who are not in this class', params: ofId(GroupId), query: Strict({ search: Type.String({ minLength: 1, maxLength: 80 }) }), reply: List(OtherPupil) },
  movePupil: { method: 'PUT', path: '/api/classes/:id/pupils/:accountId', policy: 'contact', reach: 'site', summary: 'Put a pupil of the school into this class, and out of the others', params: Strict({ id: GroupId, accountId: AccountId }), reply: ClassDetail },
  removePupil: { method: 'DELETE', path: '/api/classes/:id/pupils/:accountId', policy: 'contact', reach: 'site', summary: 'Take a pupil out of this class', params: Strict({ id: GroupId, accountId: AccountId }), reply: ClassDetail },
  addPupil: { method: 'POST', path: '/api/classes/:id/pupils', policy: 'contact', reach: 'site', summary: 'A new pupil in this class', params: ofId(GroupId), body: NewPupil, reply: ClassDetail, status: 201 },

  issueBadges: { method: 'POST', path: '/api/classes/:id/badges', policy: 'teacher', reach: 'site', summary: 'Badges for those of a class who have none yet', params: ofId(GroupId), reply: ClassDetail },
  printBadges: { method: 'GET', path: '/api/classes/:id/badges/sheet', policy: 'teacher', reach: 'site', summary: 'Sheets to print and cut: a class’s valid badges, or one pupil’s', params: ofId(GroupId), query: Strict({ pupil: Type.Optional(AccountId) }), reply: Type.String(), file: 'application/pdf', download: 'badges.pdf' },
  renewBadge: { method: 'POST', path: '/api/pupils/:id/badge/renew', policy: 'teacher', reach: 'site', summary: 'A new badge for a pupil; the old one is worth nothing from now on', params: ofId(AccountId), reply: Nothing, status: 204 },
  voidBadge: { method: 'POST', path: '/api/pupils/:id/badge/void', policy: 'teacher', reach: 'site', summary: 'A pupil’s badge is worth nothing from now on', params: ofId(AccountId), reply: Nothing, status: 204 },
  setPictures: { method: 'PUT', path: '/api/pupils/:id/pictures', policy: 'teacher', reach: 'site', summary: 'Set a pupil’s picture password; null: take it away', params: ofId(AccountId), body: Strict({ pictures: Nullable(PicturePassword) }), reply: Nothing, status: 204 },

  previewImport: { method: 'POST', path: '/api/people-imports/preview', policy: 'contact', reach: 'site', summary: 'What a file of people would change: one line of choices as JSON, then the file’s bytes', query: OfSite, reply: ImportPreview, stream: 'up' },
  applyImport: { method: 'POST', path: '/api/people-imports', policy: 'contact', reach: 'site', summary: 'Change it; the choices name the preview that was read', query: OfSite, reply: ImportReport, stream: 'up' },
} as const satisfies Record<string, Route>;
