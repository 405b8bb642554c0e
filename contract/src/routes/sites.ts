/** Routes of schools and groups of schools. */
import { EnrolmentCode, EnrolmentCodeRequest } from '../enrolment.ts';
import { List, Nothing, ofId, type Route } from '../route.ts';
import { SiteDraft, SiteGroup, SiteGroupDraft, SiteGroupId, SiteId, SiteSummary } from '../site.ts';

export const siteRoutes = {
  listSites: {
    method: 'GET',
    path: '/api/sites',
    caller: 'technician',
    reach: 'site',
    summary: 'Every school at a glance',
    reply: List(SiteSummary),
  },
  createSite: {
    method: 'POST',
    path: '/api/sites',
    caller: 'technician',
    reach: 'city',
    summary: 'Add a school',
    body: SiteDraft,
    reply: SiteSummary,
    status: 201,
  },
  createEnrolmentCode: {
    method: 'POST',
    path: '/api/sites/:id/enrolment-codes',
    caller: 'technician',
    reach: 'site',
    summary: 'A one-use code to enrol a server',
    params: ofId(SiteId),
    body: EnrolmentCodeRequest,
    reply: EnrolmentCode,
    status: 201,
  },
  listSiteGroups: {
    method: 'GET',
    path: '/api/site-groups',
    caller: 'technician',
    reach: 'site',
    summary: 'Groups of schools',
    reply: List(SiteGroup),
  },
  createSiteGroup: {
    method: 'POST',
    path: '/api/site-groups',
    caller: 'technician',
    reach: 'city',
    summary: 'Make a group of schools',
    body: SiteGroupDraft,
    reply: SiteGroup,
    status: 201,
  },
  changeSiteGroup: {
    method: 'PUT',
    path: '/api/site-groups/:id',
    caller: 'technician',
    reach: 'city',
    summary: 'Rename a group of schools, or change who is in it',
    params: ofId(SiteGroupId),
    body: SiteGroupDraft,
    reply: SiteGroup,
  },
  deleteSiteGroup: {
    method: 'DELETE',
    path: '/api/site-groups/:id',
    caller: 'technician',
    reach: 'city',
    summary: 'Undo a group of schools; its schools stay',
    params: ofId(SiteGroupId),
    reply: Nothing,
    status: 204,
  },
} as const satisfies Record<string, Route>;
