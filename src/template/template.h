#pragma once

// OS templates: TOML files, one a template, in the shipped directory and the site's own (docs/templates.md).

#include "base/json.h"
#include "host/machine.h"

namespace bhype::templates {

enum class Family { linux_, freebsd, windows, openbsd, other };
BOOST_DESCRIBE_ENUM(Family, linux_, freebsd, windows, openbsd, other)

/// image: a raw disk image that becomes the first disk. iso: an empty disk and an install CD. empty: an empty
/// disk.
enum class Kind { image, iso, empty };
BOOST_DESCRIBE_ENUM(Kind, image, iso, empty)

struct Media {
    std::optional<std::string> url; ///< where people get it from
    HostPath file;                  ///< where it lies on the host
    std::optional<Sha256> sha256;   ///< of the file; an image without one is not used
};
BOOST_DESCRIBE_STRUCT(Media, (), (url, file, sha256))

/// The keys of a template file, as they stand in it.
struct File {
    Ranged<1, 1> version = 1; ///< of this format
    std::string title;
    Family family = Family::other;
    Kind kind = Kind::empty;
    std::string description;
    std::string notes; ///< what the user must know
    Ranged<1, 1024> cpus = 1;
    SizeBetween<32, 16777216> memory = 1_GiB;
    SizeBetween<1, 67108864> disk = 10_GiB;
    SizeBetween<32, 16777216> smallest_memory = 64_MiB;
    SizeBetween<1, 67108864> smallest_disk = 1_GiB;
    host::DiskKind disk_kind = host::DiskKind::nvme;
    host::NicKind nic_kind = host::NicKind::virtio_net;
    host::Firmware firmware = host::Firmware::uefi;
    host::Clock clock = host::Clock::utc;
    bool screen = true;
    bool tablet = true;
    std::optional<Media> media;
    static constexpr bool defaults_apply = true;
};
BOOST_DESCRIBE_STRUCT(File, (),
                      (version, title, family, kind, description, notes, cpus, memory, disk, smallest_memory,
                       smallest_disk, disk_kind, nic_kind, firmware, clock, screen, tablet, media))

/// A template as the API shows it.
struct Template {
    TemplateName name;
    std::string title;
    Family family = Family::other;
    Kind kind = Kind::empty;
    std::string description;
    std::string notes;
    std::int64_t cpus = 1;
    ByteSize memory;
    ByteSize disk;
    ByteSize smallest_memory;
    ByteSize smallest_disk;
    host::DiskKind disk_kind = host::DiskKind::nvme;
    host::NicKind nic_kind = host::NicKind::virtio_net;
    host::Firmware firmware = host::Firmware::uefi;
    host::Clock clock = host::Clock::utc;
    bool screen = true;
    bool tablet = true;
    std::optional<Media> media;
    bool available = false;             ///< can be used now
    std::optional<std::string> why_not; ///< when it cannot: what to do
};
BOOST_DESCRIBE_STRUCT(Template, (),
                      (name, title, family, kind, description, notes, cpus, memory, disk, smallest_memory,
                       smallest_disk, disk_kind, nic_kind, firmware, clock, screen, tablet, media, available,
                       why_not))

/// Reads the directories anew whenever a file in them has changed. Later directories win over earlier ones by
/// name. A broken file is a template that is not available and says why.
class Library {
  public:
    explicit Library(std::vector<std::string> directories);
    std::vector<Template> list() const;
    std::optional<Template> find(const TemplateName& name) const;

  private:
    std::vector<std::string> directories_;
};

/// Parses one template. Throws Error(bad_configuration).
Template read_template(const std::string& path);

/// The dataset under POOL/bhype/template that holds the image's disk: the name and the first 12 digits of the
/// checksum, so that new media never change what older VMs were cloned from.
std::string image_dataset(const Template& template_);

} // namespace bhype::templates
