/** Routes of the catalogue: applications and their versions, uploaded files, scripts, icons. */
import { Application, ApplicationDraft, ApplicationId } from '../application.ts';
import { ApplicationChanges, ApplicationVersion, Catalogue, CatalogueImport, IconFromPackage, ImportedItem, InspectedPackage, PackageUpload, Script, ScriptDraft, ScriptId, ScriptReview, UploadedPackage, Withdrawal } from '../catalogue.ts';
import { IconUpload } from '../report.ts';
import { Hash, List, Nothing, ofId, type Route } from '../route.ts';
import { Strict } from '../schema.ts';

export const catalogueRoutes = {
  listApplications: { method: 'GET', path: '/api/applications', policy: 'technician', reach: 'city', summary: 'The catalogue', reply: List(Application) },
  listWithdrawnApplications: { method: 'GET', path: '/api/applications/withdrawn', policy: 'technician', reach: 'city', summary: 'Applications that have left the catalogue', reply: List(Application) },
  createApplication: { method: 'POST', path: '/api/applications', policy: 'technician', reach: 'city', summary: 'Add an application, or a version of it', body: ApplicationDraft, reply: Application, status: 201 },
  changeApplication: { method: 'PUT', path: '/api/applications/:id', policy: 'technician', reach: 'city', summary: 'Change an application’s words, category, labels or licence', params: ofId(ApplicationId), body: ApplicationChanges, reply: Application },
  setIcon: { method: 'POST', path: '/api/icons', policy: 'technician', reach: 'city', summary: 'Replace an application’s icon', body: IconUpload, reply: Application },
  listVersions: { method: 'GET', path: '/api/applications/:id/versions', policy: 'technician', reach: 'city', summary: 'Versions of an application, newest first', params: ofId(ApplicationId), reply: List(ApplicationVersion) },
  withdrawVersions: { method: 'PUT', path: '/api/applications/:id/withdrawal', policy: 'technician', reach: 'city', summary: 'Take versions out of the catalogue, or put them back', params: ofId(ApplicationId), body: Withdrawal, reply: List(ApplicationVersion) },
  exportCatalogue: { method: 'GET', path: '/api/catalogue', policy: 'technician', reach: 'city', summary: 'The whole catalogue, to keep or to take elsewhere', reply: Catalogue },
  importCatalogue: { method: 'POST', path: '/api/catalogue', policy: 'technician', reach: 'city', summary: 'Add many applications and versions; each by itself', body: CatalogueImport, reply: List(ImportedItem) },
  iconFromPackage: { method: 'POST', path: '/api/icons/from-package', policy: 'technician', reach: 'city', summary: 'Take an application’s icon out of an uploaded file', body: IconFromPackage, reply: Application },
  listPackages: { method: 'GET', path: '/api/packages', policy: 'technician', reach: 'city', summary: 'Files uploaded to the city', reply: List(UploadedPackage) },
  uploadPackage: { method: 'POST', path: '/api/packages', policy: 'technician', reach: 'city', summary: 'Upload a file; hash and size are checked while it streams', query: PackageUpload, reply: UploadedPackage, status: 201, stream: 'up' },
  deletePackage: { method: 'DELETE', path: '/api/packages/:hash', policy: 'technician', reach: 'city', summary: 'Delete an uploaded file that nothing uses', params: Strict({ hash: Hash }), reply: Nothing, status: 204 },
  inspectPackage: { method: 'GET', path: '/api/packages/:hash/inspection', policy: 'technician', reach: 'city', summary: 'What an uploaded file says of itself: to fill in a recipe', params: Strict({ hash: Hash }), reply: InspectedPackage },
  listScripts: { method: 'GET', path: '/api/scripts', policy: 'technician', reach: 'city', summary: 'Install scripts, with their text', reply: List(Script) },
  createScript: { method: 'POST', path: '/api/scripts', policy: 'technician', reach: 'city', summary: 'Propose a script, or a new text of it', body: ScriptDraft, reply: Script, status: 201 },
  reviewScript: { method: 'POST', path: '/api/scripts/:id/review', policy: 'technician', reach: 'city', summary: 'Sign a colleague’s script, having read it', params: ofId(ScriptId), body: ScriptReview, reply: Script },
} as const satisfies Record<string, Route>;
