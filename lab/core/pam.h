#pragma once

namespace bhype::lab {

/// OpenPAM looks for a service's policy in /usr/local/etc/pam.d too; the machine's PAM does not, and some
/// modules have other names there. Writes /etc/pam.d/SERVICE for each policy in /usr/local/etc/pam.d that
/// /etc/pam.d does not have itself. Done at each boot: a policy that is changed later is seen after the next
/// one.
void translate_pam_policies();

} // namespace bhype::lab
